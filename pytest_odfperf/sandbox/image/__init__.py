"""The guest image of QEMU machines: built once per recipe from Debian packages, then only cloned."""
