package qemu

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of a picture: 4096 by 2160 pixels of three bytes, and some.
const (
	screenBytes = 32 << 20
	screenSide  = 8192
)

// The text that a picture is drawn with: as wide as VGA's text mode, so that a letter
// of it becomes one of ours.
const (
	drawnColumns = 80
	drawnRows    = 25
)

// shades are for how bright the brightest part of a cell is.
const shades = " .:+#"

// describe says what is on a picture: its size, its digest, how much of it is lit, and a
// drawing, all within 3 KiB. It tells a blank screen, a boot loader that waits, a panic
// and a login apart; it is not meant to be read. The picture is QEMU's: a binary PPM,
// ppm(5).
func describe(r io.Reader) (string, error) {
	sum := sha256.New()
	in := bufio.NewReader(io.TeeReader(io.LimitReader(r, screenBytes), sum))
	var width, height, most int
	if _, err := fmt.Fscanf(in, "P6\n%d %d\n%d\n", &width, &height, &most); err != nil {
		return "", fmt.Errorf("cannot read the picture of the screen: %w", err)
	}
	if width <= 0 || height <= 0 || width > screenSide || height > screenSide || most != 255 {
		return "", fmt.Errorf("cannot read the picture of the screen: %d by %d, %d: expected up to %d by %d, 255", width, height, most, screenSide, screenSide)
	}
	var brightest [drawnRows][drawnColumns]byte
	line, lit := make([]byte, 3*width), 0
	for y := range height {
		if _, err := io.ReadFull(in, line); err != nil {
			return "", errors.New("cannot read the picture of the screen: it ends too early")
		}
		row := &brightest[y*drawnRows/height]
		for x := range width {
			bright := max(line[3*x], line[3*x+1], line[3*x+2])
			if bright > 32 {
				lit++
			}
			cell := &row[x*drawnColumns/width]
			*cell = max(*cell, bright)
		}
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return "", fmt.Errorf("cannot read the picture of the screen: %w", err)
	}
	head := fmt.Sprintf("%d by %d pixels, %.1f %% lit, sha256 %s", width, height, 100*float64(lit)/float64(width*height), hex.EncodeToString(sum.Sum(nil)))
	return head + draw(brightest), nil
}

// draw makes lines of the cells, without blank ones at the end.
func draw(cells [drawnRows][drawnColumns]byte) string {
	var b strings.Builder
	for _, row := range cells {
		b.WriteByte('\n')
		for _, bright := range row {
			b.WriteByte(shades[int(bright)*(len(shades)-1)/255])
		}
	}
	lines := strings.Split(b.String(), "\n")
	for n := range lines {
		lines[n] = strings.TrimRight(lines[n], " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}
