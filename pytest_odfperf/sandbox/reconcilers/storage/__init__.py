"""What CSI drivers and CDI do: claims, volumes, DataVolumes."""
