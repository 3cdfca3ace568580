package dualread

import (
	"reflect"

	"github.com/uptrace/bun"
)

// Write sets the old and the new fields of m to v, in every phase. It does not
// save m: an insert saves them all, an update must name [Column.Columns]. The hooks
// [Move.BeforeInsert] and [Move.BeforeUpdate] see to it that none is forgotten.
func (c *Column[M, V]) Write(m *M, v V) {
	c.move.SetOld(m, v)
	c.move.SetNew(m, v)
}

// Set makes an update set the old and the new columns to v, for rows that were not
// loaded:
//
//	db.NewUpdate().Model((*Track)(nil)).Apply(c.Set(215_400)).Where("album_id = ?", id)
func (c *Column[M, V]) Set(v V) func(q *bun.UpdateQuery) *bun.UpdateQuery {
	return func(q *bun.UpdateQuery) *bun.UpdateQuery {
		if c.move.NewRelation != "" {
			return q.Err(moveError(c.move.Name, []string{"Set cannot write another table: load the rows, and save them with SaveNew"}))
		}
		row := new(M)
		c.Write(row, v)
		for _, f := range fieldsOf[M](q, c.Columns()) {
			q.Set("? = ?", bun.Ident(f.Name), bun.Safe(f.AppendValue(q.DB().QueryGen(), nil, reflect.ValueOf(row).Elem())))
		}
		return q
	}
}
