"""What every stage needs: errors, interruption, parallel work, seeds, secrets, the machine, files, images, params."""
