"""Measurements: ratios taken within one run, since machines and days differ. ``make bench``."""
