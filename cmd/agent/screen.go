package main

import (
	"fmt"
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
	file := terminal(w)
	if file == nil {
		return screen{w: w}
	}
	s := screen{w: w, colour: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ); err == nil {
		s.width = int(size.Col)
	}
	return s
}

// terminal is the terminal behind a stream; nil when there is none.
func terminal(w io.Writer) *os.File {
	if o, ok := w.(*output); ok {
		w = o.w
	}
	if file, ok := w.(*os.File); ok && isatty.IsTerminal(file.Fd()) {
		return file
	}
	return nil
}

// isTerminal is whether the screen is one.
func (s screen) isTerminal() bool { return terminal(s.w) != nil }

// output remembers whether an answer could not be written: who reads a file that
// was cut short must not take it for the whole.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(text []byte) (int, error) {
	n, err := o.w.Write(text)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// line writes pieces of text as one line.
func (s screen) line(pieces ...piece) {
	for _, p := range pieces {
		fmt.Fprint(s.w, s.show(p))
	}
	fmt.Fprintln(s.w)
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
