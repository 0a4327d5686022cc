"""Tests of what is known about providers."""
