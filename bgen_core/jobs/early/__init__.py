"""Stopping cells early: what previews say at about 30 % of the steps, and what is made of it."""
