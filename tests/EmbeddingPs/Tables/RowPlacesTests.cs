using CsCheck;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Tables;

public class RowPlacesTests
{
    [Fact]
    public void FindsRowsWhereTheyFirstCame()
    {
        // Several lists one after the other, each in parts, so that there is less room at first than in the end.
        Gen.Long[0, 1000].Array[0, 300].Array[1, 4].Array[1, 3].Sample(
            lists =>
            {
                using var places = new RowPlaces();
                foreach (long[][] parts in lists)
                {
                    places.Clear();
                    var rows = new List<long>();
                    foreach (long[] part in parts)
                    {
                        places.MakeRoom(rows.Count + part.Length, rows.ToArray());
                        foreach (long row in part)
                        {
                            int known = rows.IndexOf(row);
                            Assert.Equal(known >= 0 ? known : rows.Count, places.FindOrAdd(row, rows.ToArray(), rows.Count));
                            if (known < 0)
                            {
                                rows.Add(row);
                            }
                        }
                    }
                }
            },
            iter: 100);
    }
}
