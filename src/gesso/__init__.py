"""Gesso writes text the way a painter works: a canvas of noise is refined, all at once, until it snaps into focus."""
