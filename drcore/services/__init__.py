"""What drcore asks of each AWS or vendor service: reads first, then writes; no policy."""
