"""Persons as MediaPipe's face and pose networks see them: a second opinion beside the selfie networks'."""
