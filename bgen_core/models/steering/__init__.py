"""What steers a model beside the prompt, found on this machine or on the Hub: LoRAs, IP-Adapters, models of depth."""
