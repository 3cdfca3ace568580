package main

import (
	"context"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/schema"
)

// basics is what every release knows of a track.
type basics struct {
	ID     int64  `bun:"id,pk,autoincrement"`
	Title  string `bun:"title"`
	Artist string `bun:"artist"`
}

func (b *basics) base() *basics { return b }

// track is a track as requests see it, whichever columns its release has.
type track struct {
	basics

	LengthMS int64
}

// lengths is how a release treats the length of a track in its model M. That of a
// release which moves it is a dualread.Column.
type lengths[M any] interface {
	Read(m *M) int64                            // in milliseconds
	Write(m *M, ms int64)                       // does not save
	Columns() []string                          // that a write has changed
	Expr(column ...string) schema.QueryAppender // what Read returns, in SQL
}

// tracks are the queries of one release.
type tracks interface {
	find(ctx context.Context, db bun.IDB, id int64) (track, error)
	list(ctx context.Context, db bun.IDB, p page) ([]track, error)
	insert(ctx context.Context, db bun.IDB, e edit) (track, error)
	update(ctx context.Context, db bun.IDB, id int64, e edit) (track, error)
}

// queries are the tracks of a release whose model is M.
type queries[M any, P interface {
	*M
	base() *basics
}] struct{ length lengths[M] }

func (q queries[M, P]) find(ctx context.Context, db bun.IDB, id int64) (track, error) {
	m := P(new(M))
	m.base().ID = id
	if err := db.NewSelect().Model(m).WherePK().Scan(ctx); err != nil {
		return track{}, err
	}
	return q.seen(m), nil
}

func (q queries[M, P]) list(ctx context.Context, db bun.IDB, p page) ([]track, error) {
	var rows []M
	s := db.NewSelect().Model(&rows).Where("track.id > ?", p.After).OrderExpr("track.id").Limit(p.Limit)
	if p.MinLengthMS != nil {
		s = s.Where("? >= ?", q.length.Expr(), *p.MinLengthMS) // the read, in SQL
	}
	if err := s.Scan(ctx); err != nil {
		return nil, err
	}
	found := make([]track, len(rows))
	for i := range rows {
		found[i] = q.seen(&rows[i])
	}
	return found, nil
}

func (q queries[M, P]) insert(ctx context.Context, db bun.IDB, e edit) (track, error) {
	m := P(new(M))
	q.apply(m, e)
	_, err := db.NewInsert().Model(m).Exec(ctx)
	return q.seen(m), err
}

// update locks the row as it reads it. A transaction that reads a table first and then
// writes it is called a deadlock on MariaDB when a migration comes between the two.
func (q queries[M, P]) update(ctx context.Context, db bun.IDB, id int64, e edit) (track, error) {
	m := P(new(M))
	m.base().ID = id
	s := db.NewSelect().Model(m).WherePK()
	if db.Dialect().Name() != dialect.SQLite { // whose transactions lock from the beginning on
		s = s.For("UPDATE")
	}
	if err := s.Scan(ctx); err != nil {
		return track{}, err
	}
	columns := q.apply(m, e)
	_, err := db.NewUpdate().Model(m).Column(columns...).WherePK().Exec(ctx)
	return q.seen(m), err
}

// apply sets what e changes and returns the columns to save. An edit that does
// not touch the length saves none of its columns, so that the row, if it is
// not moved yet, is left to the transform.
func (q queries[M, P]) apply(m P, e edit) (columns []string) {
	if e.Title != nil {
		m.base().Title, columns = *e.Title, append(columns, "title")
	}
	if e.Artist != nil {
		m.base().Artist, columns = *e.Artist, append(columns, "artist")
	}
	if e.LengthMS != nil {
		q.length.Write(m, *e.LengthMS) // while the length moves: the dual write
		columns = append(columns, q.length.Columns()...)
	}
	return columns
}

// seen is where a track is read: its length by the dual read, while it moves.
func (q queries[M, P]) seen(m P) track {
	return track{basics: *m.base(), LengthMS: q.length.Read(m)}
}
