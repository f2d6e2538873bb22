"""A site of static pages: management sees groups, operations see their lists."""
