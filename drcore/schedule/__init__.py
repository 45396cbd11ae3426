"""Exercises that run by themselves."""
