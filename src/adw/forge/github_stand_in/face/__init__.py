"""The stand-in as Python sees it: setting the scene, and doing what people and their machines do."""
