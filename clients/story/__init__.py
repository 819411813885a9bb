"""Plays the stories of `corpus/scenarios` against the real program; what a story may say is in the README there."""
