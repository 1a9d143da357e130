package qmp

import "context"

// Drive is a drive of the machine and the image in it: BlockInfo in QEMU's
// qapi/block-core.json, as far as we look.
type Drive struct {
	// Device is its name from -drive id=; empty for one from -blockdev.
	Device string `json:"device"`
	// QDev is the path or id of the guest's device.
	QDev string `json:"qdev"`
	// Inserted is what is in it; nil when it is empty.
	Inserted *Node `json:"inserted"`
	// IOStatus is "ok", "failed" or "nospace"; empty where QEMU does not keep it.
	IOStatus string `json:"io-status"`
}

// Node is a node of the block graph: BlockDeviceInfo in qapi/block-core.json.
type Node struct {
	// Name is what blockdev commands call it.
	Name string `json:"node-name"`
	// File is its file name, as QEMU writes it: for what is no plain file, "json:…".
	File string `json:"file"`
	// Format is the driver: qcow2, raw, file, …
	Format string `json:"drv"`
	// ReadOnly is whether QEMU will not write to it.
	ReadOnly bool `json:"ro"`
	// BackingFile is the file below it; empty for none.
	BackingFile string `json:"backing_file"`
	// Backings is how many files lie below it.
	Backings int `json:"backing_file_depth"`
	// Image is what the file's header says, and the chain below it.
	Image Image `json:"image"`
}

// Image is an image file and, below Backing, the chain: ImageInfo in
// qapi/block-core.json. Sizes are in bytes.
type Image struct {
	File        string `json:"filename"`
	Format      string `json:"format"`
	VirtualSize int64  `json:"virtual-size"`
	// ActualSize is what it takes on the disk; 0 when not known.
	ActualSize int64 `json:"actual-size"`
	// BackingFile is the name in the header; FullBackingFile is where that leads.
	BackingFile     string `json:"backing-filename"`
	FullBackingFile string `json:"full-backing-filename"`
	BackingFormat   string `json:"backing-filename-format"`
	// Backing is nil at the end of the chain, and where QEMU was asked for nodes.
	Backing *Image `json:"backing-image"`
}

// Chain are the file names from this image down to its last backing file.
func (i Image) Chain() []string {
	var files []string
	for at := &i; at != nil; at = at.Backing {
		files = append(files, at.File)
	}
	return files
}

// Drives reads the drives, with the whole chain of each.
func (c Commands) Drives(ctx context.Context) ([]Drive, error) {
	return ask[[]Drive](ctx, c, queryBlock, nil)
}

// Nodes reads every node of the block graph, without the chains, which are nodes
// themselves.
func (c Commands) Nodes(ctx context.Context) ([]Node, error) {
	return ask[[]Node](ctx, c, queryNamedBlockNodes, map[string]bool{"flat": true})
}

// BlockJob is something long that somebody has QEMU do to a disk: BlockJobInfo in
// qapi/block-core.json. This package starts none.
type BlockJob struct {
	// Device is the job's id; by default the drive's name.
	Device string `json:"device"`
	// Kind is commit, stream, mirror or backup.
	Kind string `json:"type"`
	// Length and Offset are in a unit of the job's own: it is done when they meet.
	Length int64 `json:"len"`
	Offset int64 `json:"offset"`
	// Status is created, running, paused, ready, standby, waiting, pending,
	// aborting, concluded or null: JobStatus in qapi/job.json.
	Status string `json:"status"`
	// Error says why it failed; empty while it has not.
	Error string `json:"error"`
}

// BlockJobs reads the jobs under way.
func (c Commands) BlockJobs(ctx context.Context) ([]BlockJob, error) {
	return ask[[]BlockJob](ctx, c, queryBlockJobs, nil)
}

// AddOverlay opens a qcow2 file, without what its header calls its backing file, as
// a node that [Commands.Snapshot] can put over a disk. A name in use is refused with
// [ClassGeneric]; so is a file that is not there or locked.
func (c Commands) AddOverlay(ctx context.Context, node, file string) error {
	type protocol struct {
		Driver string `json:"driver"`
		File   string `json:"filename"`
	}
	return c.tell(ctx, blockdevAdd, struct {
		Driver  string    `json:"driver"`
		Node    string    `json:"node-name"`
		Backing *struct{} `json:"backing"` // null: none
		File    protocol  `json:"file"`
	}{Driver: "qcow2", Node: node, File: protocol{"file", file}})
}

// RemoveNode closes a node that [Commands.AddOverlay] opened and nothing uses.
func (c Commands) RemoveNode(ctx context.Context, node string) error {
	return c.tell(ctx, blockdevDel, map[string]string{"node-name": node})
}

// Over says which overlay goes over which node, both by name.
type Over struct {
	Node    string `json:"node"`
	Overlay string `json:"overlay"`
}

// Snapshot puts overlays over disks in use: from then on the guest writes there and
// what is below stays as it was. All of them at one moment, or none. QEMU then calls
// the overlay's node the disk's.
func (c Commands) Snapshot(ctx context.Context, all ...Over) error {
	if len(all) == 1 {
		return c.tell(ctx, blockdevSnapshot, all[0])
	}
	type action struct {
		Type string `json:"type"`
		Data Over   `json:"data"`
	}
	actions := make([]action, 0, len(all))
	for _, over := range all {
		actions = append(actions, action{blockdevSnapshot, over})
	}
	return c.tell(ctx, transaction, map[string][]action{"actions": actions})
}
