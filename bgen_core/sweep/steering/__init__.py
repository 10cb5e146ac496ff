"""What steers a painting beside its prompt: control pictures for ControlNets, reference pictures for IP-Adapters."""
