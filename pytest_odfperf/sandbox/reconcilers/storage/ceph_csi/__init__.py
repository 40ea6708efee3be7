"""What ceph-csi's provisioners do for StorageClasses that clients make."""
