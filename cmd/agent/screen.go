package main

import (
	"io"
	"os"

	"github.com/mattn/go-isatty"
	"golang.org/x/sys/unix"

	"nightshift/remediate"
)

// style is how a piece of text looks on a terminal: the parameters of SGR in
// ECMA-48.
type style string

// The styles.
const (
	plain  style = ""
	bold   style = "1"
	faint  style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

// screen is where text for people goes. Whatever passes through it is on one
// line and moves no cursor, wherever it came from.
type screen struct {
	w io.Writer
	// colour is whether styles are shown.
	colour bool
	// width is how many columns there are; 0 is as many as it takes.
	width int
}

// newScreen finds out what a stream can show. NO_COLOR is that of no-color.org.
func newScreen(w io.Writer) screen {
	file, ok := w.(*os.File)
	if !ok || !isatty.IsTerminal(file.Fd()) {
		return screen{w: w}
	}
	s := screen{w: w, colour: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ); err == nil {
		s.width = int(size.Col)
	}
	return s
}

// isTerminal is whether the screen is one.
func (s screen) isTerminal() bool {
	file, ok := s.w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// line writes pieces of text as one line.
func (s screen) line(pieces ...piece) {
	for _, p := range pieces {
		io.WriteString(s.w, s.show(p))
	}
	io.WriteString(s.w, "\n")
}

// piece is text in one style.
type piece struct {
	text  string
	style style
}

// in is text in a style.
func in(style style, text string) piece { return piece{text, style} }

// say is text as it is.
func say(text string) piece { return piece{text: text} }

func (s screen) show(p piece) string {
	text := remediate.Printable(p.text)
	if !s.colour || p.style == plain || text == "" {
		return text
	}
	return "\x1b[" + string(p.style) + "m" + text + "\x1b[0m"
}
