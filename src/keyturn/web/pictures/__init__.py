"""Pictures of what a page tells: from plain data to SVG, and nothing else.

Decides shapes and places. Colours are the style sheet's (`assets/pictures.css`), so that a picture
fits light and dark; what a colour says, a shape or a text says as well. A picture reads no clock.
"""
