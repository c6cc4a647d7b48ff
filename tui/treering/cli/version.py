"""The version, without importing the package's metadata reader unless it is asked for."""

VERSION = "0.1.0"
