"""What builds and checks the project: locks, generated files, images. No part of any package."""
