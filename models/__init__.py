"""How the plate recogniser is made: renderer, training, evaluation, export, and the file itself."""
