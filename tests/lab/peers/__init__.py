"""What others do on the same links: each module holds one `Way` (see lab.site)."""
