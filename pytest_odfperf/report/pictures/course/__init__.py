"""Pictures of how a run went: its pools in time, its guests, the series of what is doubted."""
