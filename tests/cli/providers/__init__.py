"""Tests of `omniroute providers`."""
