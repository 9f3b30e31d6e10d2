"""Image files: bytes -> pixels. `decode` opens them; `bare` with `png` `tiff` `gif` `webp` removes metadata first;
`pillow` is a private copy of Pillow; `stamps` asks for sizes and times of change."""
