"""What members are told when something of theirs changed; nothing imports it but the roots."""
