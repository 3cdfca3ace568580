package testserver

import "errors"

// template makes the data directories of one kind of server. Making a new one
// takes most of the time of a start; copying takes little. So a session keeps
// one to copy from.
type template struct {
	kept func(*session) *once[*directory]
	make func(*directory) error // makes data, below the directory
}

// data is the name of a data directory, below the directory of its server.
const data = "data"

// directory returns a new directory with a new data directory in it.
func (t template) directory() (*directory, error) {
	s := current.Load()
	if s == nil {
		return fill(t.make)
	}
	from, err := t.kept(s).get(func() (*directory, error) { return fill(t.make) })
	if err != nil {
		return nil, err
	}
	return fill(func(to *directory) error {
		return run(to, nil, "cp", "-Rp", from.file(data), to.file(data)) // with its owner
	})
}

// fill makes a directory and what belongs into it.
func fill(with func(*directory) error) (*directory, error) {
	dir, err := newDirectory()
	if err != nil {
		return nil, err
	}
	if err := with(dir); err != nil {
		return nil, errors.Join(err, dir.remove())
	}
	return dir, nil
}
