package probe

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"
)

// Free is how many bytes are free where the probe looks, for users other than root. It
// waits for no file system that hangs any longer than ctx.
func (d *Disk) Free(ctx context.Context) (int64, error) {
	read := make(chan int64, 1)
	said := d.turn.look(ctx, func() answer {
		var stat unix.Statfs_t
		if err := unix.Statfs(d.o.Path, &stat); err != nil {
			return unknown("cannot look at %s: %v", d.o.Path, err)
		}
		read <- int64(stat.Bavail) * stat.Bsize
		return healthy("it was read")
	})
	select {
	case free := <-read:
		return free, nil
	default:
		return 0, errors.New(said.detail)
	}
}

// Bytes says a number of bytes for people.
func Bytes(n int64) string { return bytesOf(n) }
