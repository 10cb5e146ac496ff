"""Races: begun by a person, decided round after round by whoever measures."""
