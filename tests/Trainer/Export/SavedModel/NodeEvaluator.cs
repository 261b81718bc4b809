namespace OpenEmbedding.Trainer.Tests.Export.SavedModel;

/// <summary>Computes one operation of TensorFlow, in float64 or int64. float32 is rounded to after each.</summary>
internal static class NodeEvaluator
{
    private const long Float32 = 1;
    private const long Float64 = 2;
    private const long Bool = 10;

    public static NumberArray Evaluate(string op, Dictionary<string, ProtobufFields> attributes, NumberArray[] inputs)
    {
        (long[] takes, long gives) = Types(op, inputs.Length, name => attributes[name].Number(6));
        Assert.Equal(takes, inputs.Select(input => input.Type));
        NumberArray result = Compute(op, attributes, inputs) with { Type = gives };
        return gives == Float32 ? result.Map(number => (float)number) : result;
    }

    /// <summary>The types that an operation takes and gives, by its attributes.</summary>
    private static (long[] Takes, long Gives) Types(string op, int inputs, Func<string, long> type) => op switch
    {
        "Const" => ([], type("dtype")),
        "ReadVariableOp" => ([type("dtype")], type("dtype")),
        "Cast" => ([type("SrcT")], type("DstT")),
        "ConcatV2" => ([.. Enumerable.Repeat(type("T"), inputs - 1), type("Tidx")], type("T")),
        "Sum" => ([type("T"), type("Tidx")], type("T")),
        "Reshape" => ([type("T"), type("Tshape")], type("T")),
        "Transpose" => ([type("T"), type("Tperm")], type("T")),
        "StridedSlice" => ([type("T"), type("Index"), type("Index"), type("Index")], type("T")),
        "GatherV2" => ([type("Tparams"), type("Tindices"), type("Taxis")], type("Tparams")),
        "SelectV2" => ([Bool, type("T"), type("T")], type("T")),
        "Shape" => ([type("T")], type("out_type")),
        "LowerBound" => ([type("T"), type("T")], type("out_type")),
        "Less" or "Equal" => ([type("T"), type("T")], Bool),
        "AddV2" or "Sub" or "Mul" or "FloorMod" or "Maximum" or "Minimum" or "BatchMatMulV2" => ([type("T"), type("T")], type("T")),
        _ => ([type("T")], type("T")),
    };

    private static NumberArray Compute(string op, Dictionary<string, ProtobufFields> attributes, NumberArray[] inputs) => op switch
    {
        "Const" => Constant(attributes["value"].Message(8)),
        "ReadVariableOp" => inputs[0],
        "Cast" => Cast(inputs[0], attributes["DstT"].Number(6) is Float32 or Float64),
        "ConcatV2" when attributes["N"].Number(3) == inputs.Length - 1 => Concatenate(inputs[..^1], (int)inputs[^1].Integers![0]),
        "AddV2" => Binary(inputs, (a, b) => a + b, (a, b) => a + b),
        "Sub" => Binary(inputs, (a, b) => a - b, (a, b) => a - b),
        "Mul" => Binary(inputs, (a, b) => a * b, (a, b) => a * b),
        "FloorMod" => Binary(inputs, null, (a, b) => ((a % b) + b) % b),
        "Maximum" => Binary(inputs, Math.Max, Math.Max),
        "Minimum" => Binary(inputs, Math.Min, Math.Min),
        "Less" => Compare(inputs, (a, b) => a < b, (a, b) => a < b),
        "Equal" => Compare(inputs, (a, b) => a == b, (a, b) => a == b),
        "Abs" => inputs[0].Map(Math.Abs),
        "Sign" => inputs[0].Map(number => Math.Sign(number)),
        "Log" => inputs[0].Map(Math.Log),
        "Relu" => inputs[0].Map(number => Math.Max(number, 0)),
        "Sigmoid" => inputs[0].Map(number => 1 / (1 + Math.Exp(-number))),
        "Softmax" => Softmax(inputs[0]),
        "SelectV2" => Select(inputs),
        "GatherV2" => Gather(inputs[0], inputs[1], inputs[2].Integers![0]),
        "LowerBound" => LowerBound(inputs[0], inputs[1]),
        "Shape" => new NumberArray([inputs[0].Shape.Length], null, [.. inputs[0].Shape.Select(dimension => (long)dimension)]),
        "BatchMatMulV2" => Product(inputs[0], inputs[1]),
        "Sum" => Sum(inputs[0], (int)inputs[1].Integers![0]),
        "Reshape" => Reshape(inputs[0], inputs[1].Integers!),
        "Transpose" => Transpose(inputs[0], inputs[1].Integers!),
        "StridedSlice" => Slice(inputs, attributes["begin_mask"].Number(3), attributes["end_mask"].Number(3)),
        _ => throw new InvalidDataException($"operation {op}"),
    };

    private static NumberArray Constant(ProtobufFields tensor) => NumberArray.Of(tensor.Number(1), tensor.Message(2).Shape(), tensor.Bytes(4).Span);

    private static NumberArray Cast(NumberArray a, bool toNumbers) => toNumbers
        ? new(a.Shape, a.Numbers ?? Array.ConvertAll(a.Integers!, number => (double)number), null)
        : new(a.Shape, null, a.Integers ?? Array.ConvertAll(a.Numbers!, number => (long)number));

    private static NumberArray Concatenate(NumberArray[] parts, int axis)
    {
        int[] shape = [.. parts[0].Shape];
        shape[axis] = parts.Sum(part => part.Shape[axis]);
        (int Part, int First)[] from = [.. parts.SelectMany((part, i) => Enumerable.Range(0, part.Shape[axis]).Select(at => (i, at)))];
        int[] starts = new int[parts.Length];
        for (int i = 1; i < parts.Length; i++)
        {
            starts[i] = starts[i - 1] + parts[i - 1].Count;
        }

        bool numbers = parts[0].Numbers is not null;
        var all = new NumberArray(
            [starts[^1] + parts[^1].Count],
            numbers ? [.. parts.SelectMany(part => part.Numbers!)] : null,
            numbers ? null : [.. parts.SelectMany(part => part.Integers!)]);
        return all.Pick(shape, at =>
        {
            (int part, int first) = from[at[axis]];
            int[] inside = [.. at];
            inside[axis] = first;
            return starts[part] + parts[part].Place(inside);
        });
    }

    private static NumberArray Binary(NumberArray[] inputs, Func<double, double, double>? numbers, Func<long, long, long> integers)
    {
        int[] shape = NumberArray.Common(inputs);
        NumberArray a = inputs[0].Broadcast(shape);
        NumberArray b = inputs[1].Broadcast(shape);
        return a.Numbers is not null
            ? new(shape, [.. a.Numbers.Zip(b.Numbers!, numbers!)], null)
            : new(shape, null, [.. a.Integers!.Zip(b.Integers!, integers)]);
    }

    private static NumberArray Compare(NumberArray[] inputs, Func<double, double, bool> numbers, Func<long, long, bool> integers)
    {
        NumberArray result = Binary(inputs, (a, b) => numbers(a, b) ? 1 : 0, (a, b) => integers(a, b) ? 1 : 0);
        return Cast(result, toNumbers: false);
    }

    private static NumberArray Select(NumberArray[] inputs)
    {
        int[] shape = NumberArray.Common(inputs);
        NumberArray[] all = [.. inputs.Select(input => input.Broadcast(shape))];
        NumberArray both = Concatenate([Reshape(all[1], [-1]), Reshape(all[2], [-1])], 0);
        return both.Pick(shape, at => all[0].Place(at) + (all[0].Integers![all[0].Place(at)] != 0 ? 0 : all[0].Count));
    }

    private static NumberArray Gather(NumberArray table, NumberArray rows, long axis)
    {
        Assert.Equal(0, axis);
        int rank = rows.Shape.Length;
        return table.Pick([.. rows.Shape, .. table.Shape[1..]], at => table.Place([(int)rows.Integers![rows.Place(at[..rank])], .. at[rank..]]));
    }

    private static NumberArray LowerBound(NumberArray sorted, NumberArray values)
    {
        Assert.Equal((2, 1), (sorted.Shape.Length, sorted.Shape[0]));
        Assert.Equal((2, 1), (values.Shape.Length, values.Shape[0]));
        return new(values.Shape, null, Array.ConvertAll(values.Integers!, value => (long)sorted.Integers!.Count(key => key < value)));
    }

    private static NumberArray Product(NumberArray a, NumberArray b)
    {
        int[] batch = NumberArray.Common(a with { Shape = a.Shape[..^2] }, b with { Shape = b.Shape[..^2] });
        NumberArray left = a.Broadcast([.. batch, .. a.Shape[^2..]]);
        NumberArray right = b.Broadcast([.. batch, .. b.Shape[^2..]]);
        (int rows, int inner, int columns) = (a.Shape[^2], a.Shape[^1], b.Shape[^1]);
        Assert.Equal(inner, b.Shape[^2]);
        double[] product = new double[left.Count / Math.Max(inner, 1) * columns];
        for (int i = 0; i < product.Length; i++)
        {
            (int row, int column, int one) = (i / columns, i % columns, i / (rows * columns));
            for (int k = 0; k < inner; k++)
            {
                product[i] += left.Numbers![(row * inner) + k] * right.Numbers![(((one * inner) + k) * columns) + column];
            }
        }

        return new([.. batch, rows, columns], product, null);
    }

    private static NumberArray Softmax(NumberArray a)
    {
        int width = a.Shape[^1];
        return new(a.Shape, [.. a.Numbers!.Chunk(width).SelectMany(row => row.Select(number => Math.Exp(number - row.Max()) / row.Sum(other => Math.Exp(other - row.Max()))))], null);
    }

    private static NumberArray Sum(NumberArray a, int axis)
    {
        int[] shape = [.. a.Shape[..axis], .. a.Shape[(axis + 1)..]];
        NumberArray first = a.Pick(shape, at => a.Place([.. at[..axis], 0, .. at[axis..]]));
        return Enumerable.Range(1, a.Shape[axis] - 1).Aggregate(
            first, (sum, i) => Binary([sum, a.Pick(shape, at => a.Place([.. at[..axis], i, .. at[axis..]]))], (x, y) => x + y, (x, y) => x + y));
    }

    private static NumberArray Reshape(NumberArray a, long[] shape)
    {
        int known = (int)shape.Where(dimension => dimension >= 0).Aggregate(1L, (count, dimension) => count * dimension);
        int[] full = Array.ConvertAll(shape, dimension => dimension < 0 ? a.Count / known : (int)dimension);
        NumberArray result = a with { Shape = full };
        Assert.Equal(a.Count, result.Count);
        return result;
    }

    private static NumberArray Transpose(NumberArray a, long[] order)
    {
        int[] shape = Array.ConvertAll(order, axis => a.Shape[axis]);
        return a.Pick(shape, at => a.Place([.. Enumerable.Range(0, at.Length).Select(axis => at[Array.IndexOf(order, axis)])]));
    }

    private static NumberArray Slice(NumberArray[] inputs, long beginMask, long endMask)
    {
        NumberArray a = inputs[0];
        int[] first = new int[a.Shape.Length];
        int[] shape = [.. a.Shape];
        for (int axis = 0; axis < inputs[1].Count; axis++)
        {
            Assert.Equal(1, inputs[3].Integers![axis]);
            first[axis] = (beginMask >> axis & 1) != 0 ? 0 : (int)inputs[1].Integers![axis];
            shape[axis] = ((endMask >> axis & 1) != 0 ? a.Shape[axis] : Math.Min(a.Shape[axis], (int)inputs[2].Integers![axis])) - first[axis];
        }

        return a.Pick(shape, at => a.Place([.. at.Select((i, axis) => i + first[axis])]));
    }
}
