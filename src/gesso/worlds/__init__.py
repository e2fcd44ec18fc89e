"""A story world: programs that write text whose truth is known, and check it. No torch."""
