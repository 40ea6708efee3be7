"""What every report of a run is made of."""
