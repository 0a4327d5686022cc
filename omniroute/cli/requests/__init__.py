"""`omniroute requests`: requests one by one."""
