"""Programs that write text whose truth is known, and check it: stories, records, sums. No torch."""
