import { TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { formatDuration, parseDuration } from '../time/duration.ts';
import { stepProblem } from './step-problem.ts';

interface StepInputProps {
  /** Null chooses by the range. */
  readonly stepSeconds: number | null;
  readonly chosen: number;
  readonly spanSeconds: number;
  readonly onStep: (stepSeconds: number | null) => void;
}

/** How far apart the points are; empty chooses. Takes effect on Enter or on leaving the field. */
export function StepInput({ stepSeconds, chosen, spanSeconds, onStep }: StepInputProps) {
  const written = stepSeconds === null ? '' : formatDuration(stepSeconds);
  const [text, setText] = useState(written);
  useEffect(() => setText(written), [written]);
  const problem = stepProblem(text, spanSeconds);
  const commit = () => {
    if (problem === undefined) onStep(parseDuration(text) ?? null);
  };
  return (
    <TextInput
      aria-label="Step"
      w={108}
      size="sm"
      leftSection={<span style={{ fontSize: 12, color: 'var(--page-muted)' }}>step</span>}
      leftSectionWidth={42}
      placeholder={formatDuration(chosen)}
      value={text}
      error={problem !== undefined}
      title={problem ?? 'Distance between points; empty chooses by the range'}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === 'Enter') commit();
      }}
    />
  );
}
