"""Where files lie: a folder, a bucket, or whatever else fsspec reaches."""
