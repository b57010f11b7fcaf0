import { Button } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useMemo, useState } from 'react';
import type { QueryResult } from '../api/types.ts';
import { fullName } from '../chart/names.ts';
import { formatValue, type Unit } from '../format/units.ts';
import { Notice } from '../page/notice.tsx';
import styles from './explore.module.css';
import { labelColumnsMax, nextSort, rowsFirst, type Sort, sortRows, type TableRow, toTable } from './table-rows.ts';

interface ResultTableProps {
  readonly result: QueryResult;
  readonly unit: Unit;
}

function columnTitle(column: string): string {
  if (column === '__name__') return 'metric';
  return column === 'series' ? 'Series' : column === 'value' ? 'Value' : column;
}

interface HeadProps {
  readonly column: string;
  readonly sort: Sort | null;
  readonly onSort: (column: string) => void;
}

function Head({ column, sort, onSort }: HeadProps) {
  const direction = sort?.column !== column ? 'none' : sort.descending ? 'descending' : 'ascending';
  return (
    <th scope="col" aria-sort={direction} data-column={column === 'value' ? 'value' : undefined}>
      <button type="button" onClick={() => onSort(column)}>
        {columnTitle(column)}
        <span className={styles['sortMark']} aria-hidden="true">
          {direction === 'ascending' ? '↑' : direction === 'descending' ? '↓' : ''}
        </span>
      </button>
    </th>
  );
}

/** The value as sent, and beneath the pointer in its unit. */
function ValueCell({ row, unit }: { readonly row: TableRow; readonly unit: Unit }) {
  const told = Number.isNaN(row.value) || unit === 'number' ? undefined : formatValue(row.value, unit);
  return (
    <td data-column="value">
      {row.text}
      {told !== undefined && <small>{told}</small>}
    </td>
  );
}

/** An instant answer, sortable by every column. */
export function ResultTable({ result, unit }: ResultTableProps) {
  const [sort, setSort] = useState<Sort | null>(null);
  const [all, setAll] = useState(false);
  const narrow = useMediaQuery('(max-width: 700px)', false, { getInitialValueInEffect: false });
  const columnsMax = narrow ? labelColumnsMax.narrow : labelColumnsMax.wide;
  const table = useMemo(() => toTable(result, columnsMax), [result, columnsMax]);
  const rows = useMemo(() => sortRows(table.rows, sort), [table, sort]);
  const columns = table.labels.length > 0 ? table.labels : ['series'];
  const shown = all ? rows : rows.slice(0, rowsFirst);

  if (rows.length === 0) {
    return (
      <Notice title="No series at this time">
        The expression is valid but nothing matches it. Check label values, or go back in time.
      </Notice>
    );
  }
  return (
    <div className={styles['tableHolder']}>
      <table className={styles['table']}>
        <caption className="visually-hidden">Result of the query</caption>
        <thead>
          <tr>
            {[...columns, 'value'].map((column) => (
              <Head key={column} column={column} sort={sort} onSort={(clicked) => setSort(nextSort(sort, clicked))} />
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={row.key}>
              {columns.map((column) => (
                <td key={column}>{column === 'series' ? fullName(row.metric) : (row.metric[column] ?? '')}</td>
              ))}
              <ValueCell row={row} unit={unit} />
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < rows.length && (
        <Button variant="subtle" onClick={() => setAll(true)}>
          Show all {rows.length} rows
        </Button>
      )}
    </div>
  );
}
