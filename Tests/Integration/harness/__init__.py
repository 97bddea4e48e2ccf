"""What the integration and client tests stand on: an engine, containers, Boathook's processes."""
