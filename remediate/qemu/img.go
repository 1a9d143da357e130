package qemu

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"nightshift/remediate"
)

// img runs qemu-img, with arguments of a fixed form and absolute paths only.
type img struct{}

// imgBytes bounds what qemu-img may say: a megabyte of complaints is no answer.
const imgBytes = 1 << 20

// Info is what qemu-img says of one image: ImageInfo in QEMU's qapi/block-core.json.
type Info struct {
	Format      string `json:"format"`
	Backing     string `json:"full-backing-filename"`
	VirtualSize int64  `json:"virtual-size"`
}

// info asks what an image is, without opening what lies below it.
func (q img) info(ctx context.Context, path string) (Info, error) {
	var info Info
	out, _, err := q.run(ctx, nil, "info", "--output=json", "-f", "qcow2", path)
	if err == nil {
		err = json.Unmarshal(out, &info)
	}
	if err != nil {
		return info, fmt.Errorf("cannot read what %s is: %w", path, err)
	}
	return info, nil
}

// create makes an overlay. What it lies on is not opened, since a QEMU may be running
// on it: its size comes from its header.
func (q img) create(ctx context.Context, path string, below image) error {
	_, _, err := q.run(ctx, nil, "create", "-q", "-u", "-f", "qcow2", "-b", below.Path, "-F", "qcow2", path, strconv.FormatInt(below.Size, 10))
	if err != nil {
		return fmt.Errorf("cannot create the overlay %s: %w", path, err)
	}
	return nil
}

// createEmpty makes an image that lies on nothing.
func (q img) createEmpty(ctx context.Context, path string, size int64) error {
	_, _, err := q.run(ctx, nil, "create", "-q", "-f", "qcow2", path, strconv.FormatInt(size, 10))
	if err != nil {
		return fmt.Errorf("cannot create the image %s: %w", path, err)
	}
	return nil
}

// The exit statuses of `qemu-img check`: qemu-img(1).
const (
	checkClean     = 0
	checkCorrupted = 2
	checkLeaks     = 3 // space is lost, and nothing else
)

// check checks an image that nobody has open. Leaked clusters do no harm: QEMU leaves
// them wherever it is killed.
func (q img) check(ctx context.Context, path string) error {
	_, status, err := q.run(ctx, nil, "check", "-q", "-f", "qcow2", path)
	switch {
	case status == checkClean && err == nil, status == checkLeaks:
		return nil
	case status == checkCorrupted:
		return fmt.Errorf("cannot use the image %s: it is corrupted: %w", path, err)
	}
	return fmt.Errorf("cannot check the image %s: %w", path, err)
}

// convert writes a chain of images, top first, into one file. The files are named one
// by one, whatever their headers say of each other. progress is told of percents.
func (q img) convert(ctx context.Context, chain []string, to string, progress func(percent float64)) error {
	var options []string
	for depth, file := range chain {
		at := strings.Repeat("backing.", depth)
		file = strings.ReplaceAll(file, ",", ",,") // qemu(1): a comma is doubled
		options = append(options, at+"driver=qcow2", at+"file.driver=file", at+"file.filename="+file)
	}
	_, _, err := q.run(ctx, progress, "convert", "-p", "--image-opts", "-O", "qcow2", strings.Join(options, ","), to)
	if err != nil {
		return fmt.Errorf("cannot flatten %s into %s: %w", chain[0], to, err)
	}
	return nil
}

// run runs it until ctx ends at the latest, and returns what it wrote and how it
// ended.
func (q img) run(ctx context.Context, progress func(float64), args ...string) (out []byte, status int, err error) {
	cmd := exec.CommandContext(ctx, "qemu-img", args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
	cmd.WaitDelay = time.Second
	said, complaint := &capped{most: imgBytes}, &capped{most: 1 << 10}
	cmd.Stdout, cmd.Stderr = said, complaint
	if progress != nil {
		cmd.Stdout = &percents{tell: progress}
	}
	err = cmd.Run()
	if ctx.Err() != nil {
		return nil, -1, ctx.Err()
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return said.kept.Bytes(), exit.ExitCode(), fmt.Errorf("qemu-img %s: %s", args[0], why(exit, complaint.kept.String()))
	}
	return said.kept.Bytes(), 0, err
}

// why is what qemu-img complained of, on one line.
func why(exit *exec.ExitError, complaint string) string {
	brief := strings.ReplaceAll(remediate.Brief(complaint), "\n", "; ")
	if brief == "" {
		return exit.Error()
	}
	return strings.TrimPrefix(brief, "qemu-img: ")
}

// percents reads the progress that `convert -p` writes: "    (12.50/100%)\r".
type percents struct {
	tell func(float64)
	rest []byte
}

var percent = regexp.MustCompile(`\((\d+\.\d+)/100%\)`)

func (p *percents) Write(text []byte) (int, error) {
	p.rest = append(p.rest, text...)
	for {
		at := percent.FindSubmatchIndex(p.rest)
		if at == nil {
			p.rest = p.rest[max(0, len(p.rest)-64):]
			return len(text), nil
		}
		if n, err := strconv.ParseFloat(string(p.rest[at[2]:at[3]]), 64); err == nil {
			p.tell(n)
		}
		p.rest = p.rest[at[1]:]
	}
}

// capped keeps the first bytes that are written to it and drops the rest.
type capped struct {
	most int
	kept bytes.Buffer
}

var _ io.Writer = (*capped)(nil)

func (c *capped) Write(p []byte) (int, error) {
	c.kept.Write(p[:min(len(p), max(0, c.most-c.kept.Len()))])
	return len(p), nil
}
