"""State: tables in a relational database, blobs in an object store."""
