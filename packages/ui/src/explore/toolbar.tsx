import { ActionIcon, Button, NativeSelect, SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { type Unit, unitNames } from '../format/units.ts';
import { LinkIcon, UnzoomIcon } from '../page/icons.tsx';
import { RangeControls } from '../page/range-controls.tsx';
import { formatDuration } from '../time/duration.ts';
import {
  drawings,
  type PageState,
  type Resolution,
  type ResultTab,
  refreshChoices,
  resolutions,
} from '../url/page-state.ts';
import type { SetPageState } from '../url/use-page-state.ts';
import styles from './explore.module.css';
import { SpanInput } from './span-input.tsx';
import { StepInput } from './step-input.tsx';

interface ToolbarProps {
  readonly state: PageState;
  readonly onChange: SetPageState;
  /** What the queries' names suggest. */
  readonly guessedUnit: Unit;
  readonly chosenStep: number;
  readonly visible: number;
  readonly onUnzoom: (() => void) | undefined;
}

/** How long "copied" stands where "copy" stood. */
const copiedMs = 1500;

/** Puts the address of what is seen onto the clipboard; where that is not allowed (plain HTTP), shows it for copying. */
function CopyLink() {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      setCopied(true);
      setTimeout(() => setCopied(false), copiedMs);
    } catch {
      prompt('The address of what you see:', location.href);
    }
  };
  return (
    <Button variant="default" size="sm" leftSection={<LinkIcon />} onClick={() => void copy()}>
      <span aria-live="polite">{copied ? 'Copied' : 'Copy link'}</span>
    </Button>
  );
}

function resolutionLabel(resolution: Resolution): string {
  if (resolution === 'auto') return 'from: auto';
  return resolution === 'raw' ? 'raw samples' : `${resolution} rows`;
}

/** Over what time, how fine, and how it is shown. All of it is in the address. */
export function Toolbar({ state, onChange, guessedUnit, chosenStep, visible, onUnzoom }: ToolbarProps) {
  const { range, tab } = state;
  return (
    <section className={styles['toolbar']} aria-label="Time and display">
      <div className={styles['controls']}>
        <RangeControls range={range} onRange={(next) => onChange({ range: next })} />
        <SpanInput range={range} onRange={(next) => onChange({ range: next }, 'push')} />
        <StepInput
          stepSeconds={state.stepSeconds}
          chosen={chosenStep}
          spanSeconds={range.spanSeconds}
          onStep={(next) => onChange({ stepSeconds: next })}
        />
        <NativeSelect
          aria-label="Resolution"
          title="What answers are computed from"
          size="sm"
          w={132}
          value={state.resolution}
          data={resolutions.map((value) => ({ value, label: resolutionLabel(value) }))}
          onChange={(event) =>
            onChange({ resolution: resolutions.find((value) => value === event.currentTarget.value) ?? 'auto' })
          }
        />
        <NativeSelect
          aria-label="Refresh"
          size="sm"
          w={128}
          value={String(state.refreshSeconds)}
          data={refreshChoices.map((seconds) => ({
            value: String(seconds),
            label: seconds === 0 ? 'refresh: off' : `every ${formatDuration(seconds)}`,
          }))}
          onChange={(event) => onChange({ refreshSeconds: Number(event.currentTarget.value) })}
        />
        {onUnzoom !== undefined && (
          <ActionIcon variant="default" size="lg" aria-label="Undo zoom" title="Undo zoom (z)" onClick={onUnzoom}>
            <UnzoomIcon />
          </ActionIcon>
        )}
      </div>
      <div className={styles['controls']}>
        <SegmentedControl
          size="sm"
          withItemsBorders={false}
          aria-label="Show as"
          value={tab}
          data={[
            { value: 'graph', label: 'Graph' },
            { value: 'table', label: 'Table' },
          ]}
          onChange={(value) => onChange({ tab: value as ResultTab })}
        />
        {tab === 'graph' && (
          <>
            <SegmentedControl
              size="sm"
              withItemsBorders={false}
              aria-label="Draw as"
              value={state.drawing}
              data={[
                { value: 'line', label: 'Lines' },
                { value: 'stacked', label: 'Stacked' },
                { value: 'points', label: 'Points' },
              ]}
              onChange={(value) => onChange({ drawing: drawings.find((name) => name === value) ?? 'line' })}
            />
            <Button
              size="sm"
              variant={state.log ? 'light' : 'default'}
              aria-pressed={state.log}
              title="Logarithmic axis (l)"
              onClick={() => onChange({ log: !state.log })}
            >
              Log
            </Button>
            {visible > 1 && (
              <Button
                size="sm"
                variant={state.apart ? 'light' : 'default'}
                aria-pressed={state.apart}
                title="A chart for each query"
                onClick={() => onChange({ apart: !state.apart })}
              >
                Apart
              </Button>
            )}
          </>
        )}
        <NativeSelect
          aria-label="Unit"
          size="sm"
          value={state.unit ?? ''}
          data={[
            { value: '', label: `unit: ${guessedUnit}` },
            ...unitNames.map((name) => ({ value: name, label: name })),
          ]}
          onChange={(event) => onChange({ unit: unitNames.find((name) => name === event.currentTarget.value) ?? null })}
        />
        <CopyLink />
      </div>
    </section>
  );
}
