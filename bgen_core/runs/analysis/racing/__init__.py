"""Races: values of an axis drop out as soon as they have lost, and the others get more seeds."""
