"""Tests of `omniroute.formats.openai_chat`."""
