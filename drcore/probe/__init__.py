"""Questions that only a real account can answer: asked of staging, harmless, compared with what drcore assumes."""
