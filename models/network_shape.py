"""What the network takes and gives, apart from torch: the card is written without it."""

from typing import Final

INPUT_PX: Final = 160  # specks of rice are two pixels wide here; twice the size costs four times
EMBEDDING_DIM: Final = 64  # enough to tell crops of a photo from other photos; 128 bytes in the row
STATES: Final = ("clean", "residue", "leftover", "full")  # of a plate; what is none has no state
OUTPUTS: Final = ("probabilities", "recapture", "leftover_fraction", "embedding")
