"""What several verbs share: options, notes and numbers on the terminal, long-axis inputs."""
