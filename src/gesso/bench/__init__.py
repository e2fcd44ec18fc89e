"""How fast a server answers, seen from outside."""
