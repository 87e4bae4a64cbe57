import type { Chart, ChartConfiguration } from 'chart.js';
import { useEffect, useRef } from 'preact/hooks';
import { nextTask } from '../drawing/tasks.ts';
import { colour, theme } from '../state/theme.ts';

/** A bar of one colour of the style sheet. */
export interface Bars {
  readonly label: string;
  readonly colour: string;
  readonly data: readonly number[];
}

export interface BarChartProps {
  /** What a screen reader says in its place. */
  readonly label: string;
  readonly categories: readonly string[];
  readonly bars: readonly Bars[];
  readonly unit: string;
  readonly isStacked?: boolean;
  readonly isHorizontal?: boolean;
  /** No axis of categories, no legend: a small one. */
  readonly isSmall?: boolean;
  readonly format: (value: number) => string;
}

/** A bar chart. It is drawn without movement: numbers that change live would never come to rest. */
export function BarChart(props: BarChartProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const chart = useRef<Chart<'bar', number[], string> | undefined>(undefined);
  const config = configOf(props);
  const latest = useRef(config);
  latest.current = config;
  // Made when it first comes into view, each in a task of its own: it takes longer than all else that a new picture does to
  // the page.
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    let isGone = false;
    const observer = new IntersectionObserver(async (entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      observer.disconnect();
      const { drawBars } = await import('../drawing/chart-js.ts');
      await nextTask();
      if (!isGone) chart.current = drawBars(element, latest.current);
    });
    observer.observe(element);
    return () => {
      isGone = true;
      observer.disconnect();
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, []);
  // Serves as the list of what the drawing depends on, the colours of the scheme among it.
  const content = JSON.stringify([props.categories, props.bars, theme.value]);
  useEffect(() => {
    const drawn = chart.current;
    if (drawn === undefined) return;
    drawn.data = config.data;
    drawn.options = config.options ?? {};
    drawn.update('none');
  }, [content]);
  return (
    <div class={props.isSmall ? 'chart small' : 'chart'}>
      <canvas ref={canvas} role="img" aria-label={props.label} />
    </div>
  );
}

function configOf(props: BarChartProps): ChartConfiguration<'bar', number[], string> {
  const {
    categories,
    bars,
    unit,
    isStacked = false,
    isHorizontal = false,
    isSmall = false,
  } = props;
  const [ink, line] = [colour('muted'), colour('line')];
  const font = { family: colour('sans'), size: 12 };
  const ticks = { color: ink, font };
  const grid = { color: line };
  const values = {
    stacked: isStacked,
    grid,
    border: { display: false },
    title: { display: unit !== '', text: unit, color: ink, font },
    ticks: {
      ...ticks,
      maxTicksLimit: 5,
      callback: (value: number | string) => props.format(Number(value)),
    },
  };
  const names = {
    stacked: isStacked,
    grid: { display: false },
    border: { color: line },
    ticks: { ...ticks, autoSkip: isSmall, maxTicksLimit: isSmall ? 5 : 100, maxRotation: 0 },
  };
  return {
    type: 'bar',
    data: {
      labels: [...categories],
      datasets: bars.map((each) => ({
        label: each.label,
        data: [...each.data],
        backgroundColor: colour(each.colour),
        categoryPercentage: isSmall ? 1 : 0.82,
        barPercentage: 0.96,
        grouped: !isSmall,
      })),
    },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      indexAxis: isHorizontal ? 'y' : 'x',
      scales: isHorizontal ? { x: values, y: names } : { x: names, y: values },
      plugins: {
        legend: {
          display: bars.length > 1,
          position: 'top',
          align: 'start',
          labels: { color: ink, font, boxWidth: 12, boxHeight: 12 },
        },
        tooltip: {
          callbacks: {
            label: ({ dataset, raw }) => `${dataset.label}: ${props.format(Number(raw))} ${unit}`,
          },
        },
      },
    },
  };
}
