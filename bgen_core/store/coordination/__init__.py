"""What coordinates the processes that share a store. It is no content: `Database.revision` stays when it changes."""
